// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Token} from "./Token.sol";

/// A share of a basket of tokens, as KING is one: whoever burns some gets their part of all that the contract holds of
/// each registered token. Reading, redeeming, events and errors are those of King Protocol; anybody may mint, register
/// and set the fee, where the real one has roles and rate limits.
contract King is Token {
    using SafeERC20 for IERC20;

    struct Fee {
        address treasury;
        uint48 depositFeeInBps;
        uint48 redeemFeeInBps;
    }

    event TokenRegistered(address token);
    event FeeSet(Fee oldFee, Fee newFee);
    event Redeem(address indexed account, uint256 sharesRedeemed, uint256 fee, address[] tokens, uint256[] amounts);

    error SharesCannotBeZero();
    error InsufficientShares();
    error TotalSupplyZero();
    error TokenAlreadyRegistered();

    uint64 public constant HUNDRED_PERCENT_IN_BPS = 10000;
    address[] private _tokens;
    Fee private _fee;

    constructor(string memory name_, string memory symbol_) Token(name_, symbol_, 18) {}

    function registerToken(address token, uint64) external {
        for (uint256 i = 0; i < _tokens.length; ++i) if (_tokens[i] == token) revert TokenAlreadyRegistered();
        _tokens.push(token);
        emit TokenRegistered(token);
    }

    function setFee(Fee memory newFee) external {
        emit FeeSet(_fee, newFee);
        _fee = newFee;
    }

    function fee() external view returns (Fee memory) {
        return _fee;
    }

    function allTokens() external view returns (address[] memory) {
        return _tokens;
    }

    function redeem(uint256 vaultShares) external {
        if (vaultShares == 0) revert SharesCannotBeZero();
        if (balanceOf(msg.sender) < vaultShares) revert InsufficientShares();
        (address[] memory assets, uint256[] memory amounts, uint256 kept) = previewRedeem(vaultShares);
        if (kept != 0) _transfer(msg.sender, _fee.treasury, kept);
        _burn(msg.sender, vaultShares - kept);
        for (uint256 i = 0; i < assets.length; ++i) {
            if (amounts[i] > 0) IERC20(assets[i]).safeTransfer(msg.sender, amounts[i]);
        }
        emit Redeem(msg.sender, vaultShares, kept, assets, amounts);
    }

    function previewRedeem(uint256 vaultShares) public view returns (address[] memory, uint256[] memory, uint256) {
        uint256 kept = vaultShares * _fee.redeemFeeInBps / HUNDRED_PERCENT_IN_BPS;
        (address[] memory assets, uint256[] memory amounts) = assetsForVaultShares(vaultShares - kept);
        return (assets, amounts, kept);
    }

    function assetsForVaultShares(uint256 vaultShares) public view returns (address[] memory, uint256[] memory) {
        uint256 supply = totalSupply();
        if (supply == 0) revert TotalSupplyZero();
        uint256[] memory amounts = new uint256[](_tokens.length);
        for (uint256 i = 0; i < _tokens.length; ++i) {
            amounts[i] = vaultShares * IERC20(_tokens[i]).balanceOf(address(this)) / supply;
        }
        return (_tokens, amounts);
    }
}
